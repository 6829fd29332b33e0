import type { Store } from "zoho-hooks/zoho";
import { pool } from "./database.ts";

const upsert = `insert into zoho_store values ($1, $2, now() + $3 * interval '1 second')
  on conflict (key) do update set value = excluded.value, ends_at = excluded.ends_at`;

export const store: Store = {
  async get(key) {
    const { rows } = await pool.query("select value from zoho_store where key = $1 and ends_at > now()", [key]);
    return rows[0]?.value;
  },
  set: (key, value, { ttl }) => pool.query(upsert, [key, value, ttl]),
  async add(key, value, { ttl }) {
    const { rowCount } = await pool.query(`${upsert} where zoho_store.ends_at <= now()`, [key, value, ttl]);
    return rowCount === 1;
  },
};
