import json
import os
from urllib.request import Request, urlopen


def hooks(method, path, body=None):
    url = os.environ["ZOHO_HOOKS_API_URL"] + path
    token = os.environ["ZOHO_HOOKS_API_TOKEN"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return json.load(urlopen(Request(url, data, headers, method=method)))


def test_the_app_accepts_a_new_lead():
    last = hooks("GET", "/events?limit=1")["lines"]
    after = last[0]["n"] if last else 0
    hooks("POST", "/send", {"product": "crm", "event": "Leads.create"})
    came = hooks("GET", f"/events?event=crm:Leads.create&after={after}&wait=10s")
    assert came["ok"], came
