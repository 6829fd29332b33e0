using System;
using System.IO;
using System.Linq;
using System.Net;

/// Answers with what the functions of docs/verify/csharp.md say about each request. The argument is the port.
static class Server
{
    static readonly string Secret = Environment.GetEnvironmentVariable("ZOHO_WEBHOOK_SECRET");

    static void Main(string[] arguments)
    {
        var listener = new HttpListener();
        listener.Prefixes.Add("http://*:" + arguments[0] + "/");
        listener.Start();
        for (;;) Answer(listener.GetContext());
    }

    static void Answer(HttpListenerContext context)
    {
        var body = new MemoryStream();
        context.Request.InputStream.CopyTo(body);
        try
        {
            context.Response.StatusCode = IsGenuine(context.Request, body.ToArray()) ? 200 : 401;
        }
        catch (ArgumentException) // no secret
        {
            context.Response.StatusCode = 500;
        }
        context.Response.Close();
    }

    static bool IsGenuine(HttpListenerRequest request, byte[] body)
    {
        var headers = request.Headers;
        var url = request.RawUrl.Split(new[] { '?' }, 2);
        var query = url.Length == 2 ? url[1] : "";
        switch (url[0].Split('/').Last())
        {
            case "crm": case "bigin": case "recruit":
                return Zoho.VerifyToken(body, Environment.GetEnvironmentVariable("ZOHO_WEBHOOK_TOKEN"));
            case "books": case "inventory": case "invoice": case "expense": case "procurement": case "spend": case "subscriptions":
                return Zoho.VerifyFinance(query, request.ContentType, body, headers["X-Zoho-Webhook-Signature"], Secret);
            case "sign": return Zoho.VerifyBase64(body, headers["X-ZS-WEBHOOK-SIGNATURE"], Secret);
            case "mail": return Zoho.VerifyBase64(body, headers["X-Hook-Signature"], Secret);
            case "webinar": return Zoho.VerifyHex(body, headers["X-WEBINAR-SIGNATURE"], Secret);
            case "guide": return Zoho.VerifyHex(body, headers["X-Zoho-Signature"], Secret);
            case "payments": return Zoho.VerifyPayments(body, headers["X-Zoho-Webhook-Signature"], Secret);
            case "zeptomail": return Zoho.VerifyZeptomail(body, headers["producer-signature"], Secret);
            default: return false;
        }
    }
}
