import { expect, it } from "vitest";
import { passed, shareableLine } from "../../src/checks/finding.ts";

it.each([
  ["v22.14.0, zoho-hooks 0.1.0", "v22.14.0, zoho-hooks 0.1.0"],
  ["nothing listens on 127.0.0.1:3000 or [::1]:3000", "nothing listens on 127.0.0.1:3000 or [::1]:3000"],
  ["none yet: listen creates .zoho-hooks/events.db", "none yet: listen creates .zoho-hooks/events.db"],
  ["zoho-hooks.config.json: forwardTo 3000", "zoho-hooks.config.json: forwardTo 3000"],
  ["Leads.create, Deals.all have no channel", "Leads.create, Deals.all have no channel"],
  ["http://localhost:3000 answers", "http://localhost:3000 answers"],
  ["listen at https://hooks.acme.example/webhooks/zoho: not checked", "listen at <url>: not checked"],
  ["https://user:pw@hooks.acme.example/a arrives at http://127.0.0.1:4460", "<url> arrives at http://127.0.0.1:4460"],
  ["none yet in postgres://hooks@db.acme.example/hooks: listen", "none yet in <url>: listen"],
  ["app.acme.com:3000 answers", "<host>:3000 answers"],
  ["10.1.2.3:3000 and [fe80::1]:3000 answer", "<host>:3000 and <host>:3000 answer"],
  ["other users can read /home/ines/acme/.env", "other users can read <path>"],
  ["~/acme and ../acme/x, C:\\Users\\Ines\\acme; 3 more", "<path> and <path>, <path>; 3 more"],
  ["ines@acme.com is signed in", "<address> is signed in"],
  ["Zoho no longer has 1735593600000", "Zoho no longer has <id>"],
  ['unknown setting "acmeSecretThing"', 'unknown setting "<name>"'],
])("what may be shown of %j", (text, shown) => {
  expect(shareableLine({ id: "node", ...passed(text) })).toBe(`passed node: ${shown}`);
});
