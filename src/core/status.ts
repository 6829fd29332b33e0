/** 2xx: a yes by HTTP's own rules (RFC 9110, section 15.3). */
export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}
