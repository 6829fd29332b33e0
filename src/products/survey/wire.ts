import { textAt } from "../../core/field.ts";
import { userFormed } from "../../core/user-formed.ts";

export const wire = userFormed({
  id: "wire",
  source: "modelled on bodies in use: the user's own keys, each with a variable or an answer of the survey",
  encoding: "json",
  event: { name: "response_submitted", summary: "A response came in, told under the keys that its user chose" },
  // Short words, not digits: aB3dE5gH. The variable is offered under this name, and most keep it as their key.
  records(data) {
    const id = textAt(data, ["response_id"]);
    return id === undefined ? [] : [id];
  },
});
