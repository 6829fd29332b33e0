import hmac, json, os
from fastapi import FastAPI, Request, Response

TOKEN = os.environ.get("ZOHO_WEBHOOK_TOKEN", "").strip()
if not TOKEN:
    raise SystemExit("ZOHO_WEBHOOK_TOKEN is empty: anybody could send notifications")

app = FastAPI()


def is_genuine(event) -> bool:
    token = event.get("token") if isinstance(event, dict) else None
    # JSON can have half a surrogate pair, which UTF-8 cannot
    return isinstance(token, str) and hmac.compare_digest(token.encode(errors="surrogatepass"), TOKEN.encode())


@app.post("/webhooks/zoho/crm")
async def crm(request: Request):
    try:
        event = json.loads(await request.body())
    except (ValueError, RecursionError):
        return Response(status_code=400)
    if not is_genuine(event):
        return Response(status_code=401)
    # One that zoho-hooks reconcile made for a change that Zoho did not notify of
    is_reconstructed = "x-zoho-hooks-reconstructed" in request.headers
    # Ids only: read the records through Zoho's API. An error here is a 500, after which listen sends the event again
    print(event["module"], event["operation"], *event["ids"], "reconstructed" if is_reconstructed else "", flush=True)
    return Response(status_code=200)
