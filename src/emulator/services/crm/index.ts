import { defaultWording } from "../../answer.ts";
import { defineService, type Service } from "../../service.ts";
import { failureRoutes } from "./failures.ts";
import { Modules } from "./modules.ts";
import { Records } from "./records.ts";
import { recordRoutes } from "./routes.ts";
import { type CrmState, crmState } from "./state.ts";
import { Tags } from "./tags.ts";
import { DEFAULT_USER, Users } from "./users.ts";
import { type Change, Watch } from "./watch.ts";

const PRODUCTS = ["crm", "bigin", "recruit"];

export interface CrmService extends Service {
  readonly watch: Watch;
  readonly modules: Modules;
}

/** Records and notification channels of CRM, Bigin and Recruit. */
export const crm = defineService<CrmState>({
  name: "crm",
  schema: crmState,
  // 19 digits, so that a client that reads ids as numbers loses some.
  empty: () => ({
    watch: { rows: [] },
    records: {},
    declared: {},
    users: [DEFAULT_USER],
    tags: {},
    nextId: "5725767000003000001",
  }),
  open(own, parts): CrmService {
    const { deliveries, now, note } = parts;
    const modules = new Modules(own);
    const users = new Users(own);
    const watch = new Watch(() => own().watch, modules, parts);
    const tags = new Tags(own, users, now);
    const notify = (change: Change): void => watch.notify(change, deliveries);
    const records = PRODUCTS.map((product) => new Records({ product, own, now, users, modules, tags, notify, note }));
    return {
      paths: /^\/(crm|bigin|recruit)\/v\d/,
      routes: {
        ...watch.routes,
        ...failureRoutes,
        ...recordRoutes({ stores: records, modules, tags, users, telling: { note } }),
      },
      fail: defaultWording,
      records,
      subscriptions: () => watch.subscriptions(),
      subscribe: (product, item) => watch.subscribe(product, item),
      unsubscribe: (product, id) => watch.unsubscribe(product, id),
      expire: (product, id) => watch.expire(product, id),
      declare: (product, module, fields) => modules.declare(product, module, fields),
      setUsers: (list) => users.set(list),
      aging: () => watch.aging(),
      watch,
      modules,
    };
  },
});
