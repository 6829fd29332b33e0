import { type Answer, type Wording, wordingOf } from "../../answer.ts";

export const wording: Wording = wordingOf(
  {
    noToken: [401, "UNAUTHORIZED", "You are not authenticated to perform this operation."],
    badToken: [401, "INVALID_OAUTH", "The OAuth Token you provided is invalid."],
    badScope: [403, "SCOPE_MISMATCH", "The OAuth token does not have access"],
    wrongMethod: [405, "METHOD_NOT_ALLOWED", "not here"],
    lacking: [404, "URL_NOT_FOUND", "The URL you requested could not be found."],
    unmodelled: [501, "NOT_IMPLEMENTED", "The emulator does not model this."],
    tooMany: [
      429,
      "TOO_MANY_REQUESTS",
      "You have exceeded the allowed number of requests.",
      { "x-rate-limit-remaining-v3": "0", "retry-after": "60" },
    ],
    broken: [500, "INTERNAL_SERVER_ERROR", "An internal server error occurred."],
  },
  (errorCode, message) => ({ errorCode, message }),
);

export function invalid(fieldName: string, errorType = "invalid"): Answer {
  const message = `The value passed for field '${fieldName}' does not match the allowed values.`;
  return {
    status: 422,
    body: { errorCode: "INVALID_DATA", message, errors: [{ fieldName, errorType, errorMessage: "" }] },
  };
}

export function unprocessable(message: string): Answer {
  return failure(422, "UNPROCESSABLE_ENTITY", message);
}

export function failure(status: number, errorCode: string, message: string): Answer {
  return { status, body: { errorCode, message } };
}
