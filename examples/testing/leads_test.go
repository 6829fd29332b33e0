package app

import (
	"encoding/json"
	"fmt"
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
	last := 0.0
	for _, line := range hooks("GET", "/events?limit=1", "")["lines"].([]any) {
		last = line.(map[string]any)["n"].(float64)
	}
	hooks("POST", "/send", `{"product": "crm", "event": "Leads.create"}`)
	path := fmt.Sprintf("/events?event=crm:Leads.create&after=%.0f&wait=10s", last)
	if came := hooks("GET", path, ""); came["ok"] != true {
		t.Fatal(came)
	}
}
