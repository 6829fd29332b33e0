-- Row level security without a policy: only functions and the owner read these.
create table zoho_store (key text primary key, value text not null, ends_at timestamptz not null);
alter table zoho_store enable row level security;

create table leads (id text primary key, last_name text, email text);
alter table leads enable row level security;
