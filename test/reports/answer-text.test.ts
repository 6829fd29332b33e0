import { expect, it } from "vitest";
import { answerText } from "../../src/reports/paint.ts";

const expressPage = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>Cannot POST /webhooks/zoho/crm</pre>
</body>
</html>
`;

it.each([
  ["an error page", expressPage, "Cannot POST /webhooks/zoho/crm"],
  [
    "a page that is cut off in its style",
    "<html><head><style>body { color: red",
    "<html><head><style>body { color: red",
  ],
  ["a page without a body", "<html><head><title>502 Bad Gateway</title></head><body></body></html>", "502 Bad Gateway"],
  [
    "a stack trace",
    "<!DOCTYPE html><body><pre>TypeError: a &lt; b<br> &nbsp; &nbsp;at f (/app/x.js:3:1)</pre>",
    "TypeError: a < b at f (/app/x.js:3:1)",
  ],
  ["a page with a script", "<html><body><script>alert(1)</script>Not here</body></html>", "Not here"],
  ["JSON", '{"error":"<b>no</b>"}', '{"error":"<b>no</b>"}'],
  ["XML", "<?xml version='1.0'?><error>no</error>", "<?xml version='1.0'?><error>no</error>"],
  ["text", "if a < b and b > c", "if a < b and b > c"],
])("shows %s as text", (_, reply, text) => {
  expect(answerText(reply)).toBe(text);
});

it("strips control characters that were written as entities", () => {
  expect(answerText("<p>a\u001b[31mb&#27;c</p>")).toBe("a[31mb&#27;c");
});
