import { headerValue } from "../../delivery/delivery.ts";
import { maskUrl } from "../../delivery/mask.ts";
import { isLoopback } from "../../util/hosts.ts";
import { oneLine } from "../../util/text.ts";
import { formatDay } from "../../util/units.ts";
import { type Found, passed, skipped } from "../finding.ts";
import { type Check, fault, isRedirect, warning } from "./check.ts";
import { isPublicAddress, type Network, type TlsFacts } from "./network.ts";
import { NO_NAME } from "./prerequisites.ts";

/** A certificate that ends sooner is a warning. */
const RENEW_DAYS = 14;
const DAY_MS = 86_400_000;

const NOT_RECEIVED = 'the guide names it first under "Webhooks Not Being Received"';

export const reachability: readonly Check[] = [
  network({
    id: "reachability.name",
    title: "its name resolves",
    why: NOT_RECEIVED,
    remedy: "check the spelling of the host, and its DNS record",
    evaluate: ({ addresses, nameError }, url) =>
      nameError === undefined
        ? passed(addresses.join(", "))
        : fault(NO_NAME, `a look-up of ${url.hostname}`, nameError),
  }),
  network({
    id: "reachability.port",
    title: "its port is open",
    why: NOT_RECEIVED,
    remedy: "start the app, and check the port and the firewall",
    evaluate({ nameError, portError }, url) {
      if (nameError !== undefined) return skipped(NO_NAME);
      return portError === undefined ? passed() : fault(portError, `a connection to ${url.host}`, portError);
    },
  }),
  {
    ...network({
      id: "reachability.https",
      title: "it has https",
      why: 'the guide, "HTTPS Only": a token or a body sent over http can be read and changed on the way',
      remedy: "put it behind TLS: a proxy or the hosting platform does that",
      evaluate: (_, url) =>
        isLoopback(url.hostname)
          ? skipped("this machine: a tunnel has the https")
          : fault("the address is http", url.origin, "an unencrypted connection"),
    }),
    applies: ({ url }) => url.startsWith("http:"),
  },
  tls({
    id: "reachability.tls-version",
    title: "speaks TLS 1.2 or later",
    why: "TLS 1.0 and 1.1 are broken (RFC 8996), and senders no longer speak them",
    remedy: "allow TLS 1.2 and 1.3 in the server or proxy",
    evaluate({ error, protocol }, sent) {
      if (error === undefined) return passed(`${protocol}`);
      return protocol === undefined
        ? fault("there is no TLS connection", sent, error)
        : fault(`it speaks nothing newer than ${protocol}`, sent, error);
    },
  }),
  tls({
    id: "reachability.certificate",
    title: "its certificate is from a known authority",
    why: 'the guide, "SSL certificate issues": Zoho does not post to a server that it cannot identify',
    remedy: "use a certificate from a public authority, and send its intermediate certificates as well",
    evaluate: ({ chainError }, sent) =>
      chainError === undefined ? passed() : fault(`the chain is not trusted: ${chainError}`, sent, chainError),
  }),
  tls({
    id: "reachability.host-name",
    title: "its certificate is for this host",
    why: "a certificate for another host does not identify this one",
    remedy: "add this host to the names of the certificate",
    evaluate: ({ nameError }, sent) =>
      nameError === undefined ? passed() : fault("the certificate is for another host", sent, nameError),
  }),
  tls({
    id: "reachability.expiry",
    title: `its certificate is valid for ${RENEW_DAYS} more days`,
    why: "after it expires, no delivery arrives",
    remedy: "renew it, and check that it is renewed automatically",
    evaluate({ validFrom = new Date(0), validTo = new Date(0) }, sent, now) {
      const leftDays = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
      const until = `it is valid until ${formatDay(validTo)}`;
      if (validFrom > now) return fault(`it is not valid before ${formatDay(validFrom)}`, sent, until);
      if (validTo < now) return fault(`it ended on ${formatDay(validTo)}`, sent, until);
      return leftDays < RENEW_DAYS
        ? warning(`it ends in ${leftDays} days`, sent, until)
        : passed(`until ${formatDay(validTo)}`);
    },
  }),
  network({
    id: "reachability.public-address",
    title: "its address is public",
    why: 'the guide, "Webhook URL not publicly accessible"',
    remedy: "use the public host name, or a tunnel: zoho-hooks listen",
    evaluate({ addresses, nameError }, url) {
      if (nameError !== undefined) return skipped(NO_NAME);
      if (isLoopback(url.hostname)) return skipped("this machine: a tunnel makes it public");
      const inner = addresses.filter((address) => !isPublicAddress(address));
      return inner.length === 0
        ? passed()
        : warning("Zoho cannot reach this address", url.host, `it resolves to ${inner.join(", ")}`);
    },
  }),
  {
    id: "reachability.redirect",
    title: "answers itself, without a redirect",
    why: "senders of webhooks do not follow redirects, or lose the body on the way",
    remedy: "register the final URL: check the scheme, the host and a slash at the end of the path",
    events: 0,
    after: "reachable",
    async run(endpoint) {
      const answer = await endpoint.baseline();
      if (!isRedirect(answer)) return answer.error === undefined ? passed() : skipped("it gave no answer");
      const location = oneLine(maskUrl(headerValue(answer, "location") ?? "nowhere"));
      return fault(`it redirects to ${location}`, "a valid delivery", answer);
    },
  },
];

type Parts = Pick<Check, "id" | "title" | "why" | "remedy">;

interface NetworkParts extends Parts, Pick<Check, "applies"> {
  evaluate(network: Network, url: URL, now: Date): Found;
}

/** A check of name, port or TLS, before any request is sent. */
function network({ evaluate, ...parts }: NetworkParts): Check {
  return {
    ...parts,
    events: 0,
    after: "nothing",
    async run(endpoint) {
      const seen = await endpoint.network();
      return seen === undefined ? skipped(PROXIED) : evaluate(seen, new URL(endpoint.subject.url), endpoint.now());
    },
  };
}

const PROXIED = "not seen from here: a proxy is set for this address";

function tls({ evaluate, ...parts }: Parts & { evaluate(facts: TlsFacts, sent: string, now: Date): Found }): Check {
  return network({
    ...parts,
    applies: ({ url }) => url.startsWith("https:"),
    evaluate({ tls: facts, portError }, { host }, now) {
      if (facts === undefined) return skipped(portError ?? NO_NAME);
      if (facts.error !== undefined && parts.id !== "reachability.tls-version")
        return skipped("there is no TLS connection");
      return evaluate(facts, `a TLS handshake with ${host}`, now);
    },
  });
}
