package app

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
)

func hooks(method, path, body string) (came map[string]any) {
	request, _ := http.NewRequest(method, os.Getenv("ZOHO_HOOKS_API_URL")+path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+os.Getenv("ZOHO_HOOKS_API_TOKEN"))
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return map[string]any{"error": err}
	}
	json.NewDecoder(response.Body).Decode(&came)
	return came
}

func TestTheAppAcceptsANewLead(t *testing.T) {
	hooks("DELETE", "/events", "")
	hooks("POST", "/send", `{"product": "crm", "event": "Leads.create"}`)
	if came := hooks("GET", "/events?event=crm:Leads.create&wait=10s", ""); came["ok"] != true {
		t.Fatal(came)
	}
}
