import { fileURLToPath } from "node:url";
import type { ApiRequest } from "../../src/emulator/answer.ts";
import { type Emulator, openEmulator } from "../../src/emulator/emulator.ts";
import type { RequestFault } from "../../src/emulator/faults.ts";
import type { Change } from "../../src/emulator/services/crm/watch.ts";
import { CrmFailures } from "./crm-failures.ts";
import { creatorOf, type EmulatorApi, type EmulatorServices, partsOf, servicesOf } from "./emulator-api.ts";
import { SalesIq } from "./salesiq.ts";
import { UnusualWatch } from "./unusual-watch.ts";

/** The emulator, with what only tests need. */
export interface ZohoServer extends ReturnType<typeof partsOf>, EmulatorServices {
  readonly requests: readonly ApiRequest[];
  readonly failures: CrmFailures;
  readonly salesIq: SalesIq;
  readonly unusual: UnusualWatch;
  /** The requests to the token endpoint. */
  tokenRequests(): readonly ApiRequest[];
  /** Makes the next matching requests fail; later calls queue up. */
  trouble(fault: RequestFault, times?: number, matches?: (request: ApiRequest) => boolean): void;
  /** Waits for a matching request. */
  seen(matches: (request: ApiRequest) => boolean): Promise<ApiRequest>;
  /** Posts to every channel that watches an event, as Zoho does when a record changes. Resolves to the statuses. */
  notify(event: string, ids: readonly string[]): Promise<readonly (number | undefined)[]>;
  /** Creates a record as a user of the product would, and tells the channels. */
  readonly create: EmulatorApi["create"];
  /** Leaves `Date` out of its answers from now on. */
  hideClock(): void;
}

/** One organisation on loopback, as strict as the real one. The caller provides its clock. */
export async function startZohoServer(now: () => Date = () => new Date()): Promise<ZohoServer> {
  const requests: ApiRequest[] = [];
  const waiting: { matches: (request: ApiRequest) => boolean; resolve: (request: ApiRequest) => void }[] = [];
  const failures = new CrmFailures();
  const salesIq = new SalesIq();
  const unusual: UnusualWatch = new UnusualWatch(() => servicesOf(emulator).watch);
  const emulator: Emulator = await openEmulator({
    port: 0,
    packageRoot: fileURLToPath(new URL("../..", import.meta.url)),
    env: {},
    overrides: [failures, salesIq, unusual],
    now,
    onArrival(request) {
      requests.push(request);
      for (const each of waiting.filter(({ matches }) => matches(request))) each.resolve(request);
    },
  });
  emulator.organisation.accounts.consentsAtOnce = true;
  emulator.organisation.accounts.locations = {
    us: "https://accounts.zoho.com",
    eu: "https://accounts.zoho.eu",
    sg: "https://accounts.zoho.sg",
  };
  return {
    ...partsOf(emulator),
    requests,
    ...servicesOf(emulator),
    failures,
    salesIq,
    unusual,
    tokenRequests: () => requests.filter((each) => each.path === "/oauth/v2/token"),
    trouble: (fault, times, matches) => emulator.faults.requests.add(fault, times, matches),
    seen: (matches) => {
      const past = requests.find(matches);
      return past ? Promise.resolve(past) : new Promise((resolve) => waiting.push({ matches, resolve }));
    },
    notify: (event, ids) => {
      const [module = "", verb = ""] = event.split(".");
      const changes = ["crm", "bigin", "recruit"].map((product) => ({ product, module, verb, ids }) as Change);
      const posts = changes.flatMap((change) => servicesOf(emulator).watch.notificationsOf(change));
      return Promise.all(
        posts.map(
          (outgoing) =>
            new Promise<number | undefined>((onAnswer) => void emulator.deliveries.send({ ...outgoing, onAnswer })),
        ),
      );
    },
    create: creatorOf(emulator),
    hideClock: () => {
      emulator.settings.showsClock = false;
    },
  };
}
