import { textAt } from "../../core/field.ts";
import { userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
  id: "wire",
  source: "seen in integrations: a flat JSON map from the user's own keys to the survey's variables and answers",
  encoding: "json",
  event: { name: "response_submitted", summary: "A response came in, told under the keys that its user chose" },
  // Short words, not digits: aB3dE5gH. The variable is offered under this name, and most keep it as their key.
  records(data) {
    const id = textAt(data, ["response_id"]);
    return id === undefined ? [] : [id];
  },
});
