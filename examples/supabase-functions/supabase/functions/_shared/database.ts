import pg from "pg";

// An instance answers few requests at a time, and Supabase limits connections.
export const pool = new pg.Pool({ connectionString: Deno.env.get("SUPABASE_DB_URL"), max: 1 });

type Row = Readonly<Record<string, unknown>>;

/** The same may come twice. */
export async function saveLeads(records: readonly Row[], gone: readonly string[]) {
  for (const { id, Last_Name, Email } of records) {
    await pool.query(
      `insert into leads values ($1, $2, $3)
       on conflict (id) do update set last_name = excluded.last_name, email = excluded.email`,
      [id, Last_Name, Email],
    );
  }
  await pool.query("delete from leads where id = any($1)", [gone]);
}
