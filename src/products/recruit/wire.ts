import { watchFormat } from "../../core/watch-format.ts";

export const wire = watchFormat({
  source: "seen in integrations of the Recruit API v2 (/recruit/v2/actions/watch); modelled on CRM's notifications",
  api: "recruit",
  modules: ["Candidates", "Job_Openings", "Applications", "Interviews"],
  documented: false,
});
