import type { Product } from "../model/product.ts";
import { analytics } from "./analytics.ts";
import { bigin } from "./bigin.ts";
import { books } from "./books.ts";
import { campaigns } from "./campaigns.ts";
import { cliq } from "./cliq.ts";
import { commerce } from "./commerce.ts";
import { connect } from "./connect.ts";
import { creator } from "./creator.ts";
import { crm } from "./crm.ts";
import { desk } from "./desk/index.ts";
import { expense } from "./expense.ts";
import { flow } from "./flow.ts";
import { forms } from "./forms.ts";
import { inventory } from "./inventory.ts";
import { invoice } from "./invoice.ts";
import { mail } from "./mail.ts";
import { payments } from "./payments.ts";
import { people } from "./people.ts";
import { procurement } from "./procurement.ts";
import { projects } from "./projects.ts";
import { recruit } from "./recruit.ts";
import { salesiq } from "./salesiq.ts";
import { sign } from "./sign.ts";
import { signals } from "./signals.ts";
import { spend } from "./spend.ts";
import { sprints } from "./sprints.ts";
import { subscriptions } from "./subscriptions.ts";
import { survey } from "./survey.ts";
import { webinar } from "./webinar.ts";
import { zeptomail } from "./zeptomail.ts";

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
  zeptomail,
  webinar,
  connect,
] as const satisfies readonly Product[];
