import { defaultWording } from "../../answer.ts";
import { defineService, type Service } from "../../service.ts";
import { failureRoutes } from "./failures.ts";
import { Records } from "./records.ts";
import { recordRoutes } from "./routes.ts";
import { type CrmState, crmState } from "./state.ts";
import { DEFAULT_USER, Users } from "./users.ts";
import { Watch } from "./watch.ts";

const PRODUCTS = ["crm", "bigin", "recruit"];

export interface CrmService extends Service {
  readonly watch: Watch;
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
    nextId: "5725767000003000001",
  }),
  open(own, { deliveries, now }): CrmService {
    const watch = new Watch(() => own().watch, now);
    const users = new Users(own);
    const records = PRODUCTS.map(
      (product) => new Records({ product, own, now, users, notify: (change) => watch.notify(change, deliveries) }),
    );
    return {
      paths: /^\/(crm|bigin|recruit)\/v\d/,
      routes: { ...watch.routes, ...failureRoutes, ...recordRoutes(records, users) },
      fail: defaultWording,
      records,
      subscriptions: () => watch.subscriptions(),
      subscribe: (product, item) => watch.subscribe(product, item),
      unsubscribe: (product, id) => watch.unsubscribe(product, id),
      expire: (product, id) => watch.expire(product, id),
      declare(product, module, fields) {
        const { declared } = own();
        declared[product] = { ...declared[product], [module]: [...fields] };
      },
      setUsers: (list) => users.set(list),
      aging: () => watch.aging(),
      watch,
    };
  },
});
