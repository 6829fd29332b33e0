import { watchFormat } from "../shared/watch-format.ts";

export const wire = watchFormat({
  source: "modelled on CRM's notifications, as receivers of /recruit/v2/actions/watch read them",
  api: "recruit",
  modules: ["Candidates", "Job_Openings", "Applications", "Interviews"],
  documented: false,
});
