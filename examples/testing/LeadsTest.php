<?php

final class LeadsTest extends PHPUnit\Framework\TestCase
{
    private function hooks(string $method, string $path, array $body = []): array
    {
        $header = ['authorization: Bearer ' . getenv('ZOHO_HOOKS_API_TOKEN'), 'content-type: application/json'];
        $http = ['method' => $method, 'header' => $header, 'content' => json_encode($body), 'ignore_errors' => true];
        $context = stream_context_create(['http' => $http]);
        return json_decode(file_get_contents(getenv('ZOHO_HOOKS_API_URL') . $path, false, $context), true);
    }

    public function testTheAppAcceptsANewLead(): void
    {
        $after = $this->hooks('GET', '/events?limit=1')['lines'][0]['n'] ?? 0;
        $this->hooks('POST', '/send', ['product' => 'crm', 'event' => 'Leads.create']);
        $came = $this->hooks('GET', "/events?event=crm:Leads.create&after=$after&wait=10s");
        $this->assertTrue($came['ok'], json_encode($came));
    }
}
