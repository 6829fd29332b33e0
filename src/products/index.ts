import type { Product } from "../core/product.ts";
import { analytics } from "./analytics/index.ts";
import { bigin } from "./bigin/index.ts";
import { books } from "./books/index.ts";
import { campaigns } from "./campaigns/index.ts";
import { cliq } from "./cliq/index.ts";
import { commerce } from "./commerce/index.ts";
import { creator } from "./creator/index.ts";
import { crm } from "./crm/index.ts";
import { desk } from "./desk/index.ts";
import { expense } from "./expense/index.ts";
import { flow } from "./flow/index.ts";
import { forms } from "./forms/index.ts";
import { inventory } from "./inventory/index.ts";
import { invoice } from "./invoice/index.ts";
import { mail } from "./mail/index.ts";
import { payments } from "./payments/index.ts";
import { people } from "./people/index.ts";
import { procurement } from "./procurement/index.ts";
import { projects } from "./projects/index.ts";
import { recruit } from "./recruit/index.ts";
import { salesiq } from "./salesiq/index.ts";
import { sign } from "./sign/index.ts";
import { signals } from "./signals/index.ts";
import { spend } from "./spend/index.ts";
import { sprints } from "./sprints/index.ts";
import { subscriptions } from "./subscriptions/index.ts";
import { survey } from "./survey/index.ts";

/** Every product, in the order in which lists show them. The literal types are what the library's types derive from. */
export const products = [
  crm,
  desk,
  books,
  recruit,
  creator,
  projects,
  forms,
  survey,
  subscriptions,
  analytics,
  campaigns,
  bigin,
  people,
  sprints,
  flow,
  signals,
  inventory,
  invoice,
  expense,
  procurement,
  spend,
  commerce,
  payments,
  sign,
  mail,
  salesiq,
  cliq,
] as const satisfies readonly Product[];
