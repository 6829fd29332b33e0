/** Valid JSON without its last character and with a comma in its place: no JSON parser takes that. */
export function malformedJson(body: Buffer): Buffer {
  const text = body.subarray(0, body.length - trailingSpace(body));
  return Buffer.concat([text.subarray(0, Math.max(0, text.length - 1)), Buffer.from(",")]);
}

/** The first half, as after a connection that broke: it may end in the middle of a character. */
export function truncatedBody(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}

function trailingSpace(body: Buffer): number {
  let count = 0;
  while (count < body.length && " \t\r\n".includes(String.fromCharCode(body[body.length - 1 - count] ?? 0))) count++;
  return count;
}
