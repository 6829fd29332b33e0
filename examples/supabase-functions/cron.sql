-- Once, in the SQL editor, with the extensions pg_cron and pg_net. The first secret is the value of CRON_SECRET.
select vault.create_secret('…', 'cron_secret');
select vault.create_secret('https://<project>.supabase.co', 'project_url');

select cron.schedule('zoho-channel', '17 * * * *', $$
  select net.http_post(
    url := (select decrypted_secret from vault.decrypted_secrets where name = 'project_url') || '/functions/v1/zoho-channel',
    headers := jsonb_build_object(
      'Authorization', 'Bearer ' || (select decrypted_secret from vault.decrypted_secrets where name = 'cron_secret')
    ),
    timeout_milliseconds := 30000
  )
$$);
