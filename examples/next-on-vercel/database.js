/** Your own: `records` to insert or replace, and ids that are `gone`. The same may come twice. */
export async function saveLeads(records, gone) {
  for (const { id, Last_Name, Email } of records) console.log("save", id, Last_Name, Email);
  for (const id of gone) console.log("delete", id);
}
