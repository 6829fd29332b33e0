import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;

/** Answers with what the functions of docs/verify/java.md say about each request. The argument is the port. */
class Server {
    static final String SECRET = System.getenv("ZOHO_WEBHOOK_SECRET");
    static String publicKey;
    static String deskKeys;

    public static void main(String[] arguments) throws Exception {
        publicKey = Files.readString(Path.of(System.getenv("ZOHO_WEBHOOK_PUBLIC_KEY")));
        var request = HttpRequest.newBuilder(URI.create(System.getenv("DESK_JWKS"))).build();
        deskKeys = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
        HttpServer server = HttpServer.create(new InetSocketAddress("localhost", Integer.parseInt(arguments[0])), 64);
        server.createContext("/", Server::answer);
        server.start();
    }

    static void answer(HttpExchange exchange) throws IOException {
        byte[] body = exchange.getRequestBody().readAllBytes();
        exchange.sendResponseHeaders(isGenuine(exchange, body) ? 200 : 401, -1);
        exchange.close();
    }

    static boolean isGenuine(HttpExchange exchange, byte[] body) {
        URI url = exchange.getRequestURI();
        var headers = exchange.getRequestHeaders();
        return switch (url.getPath().replaceAll(".*/", "")) {
            case "crm", "bigin", "recruit" -> Zoho.verifyToken(body, System.getenv("ZOHO_WEBHOOK_TOKEN"));
            case "books", "inventory", "invoice", "expense", "procurement", "spend", "subscriptions" ->
                Zoho.verifyFinance(
                    url.getRawQuery(), headers.getFirst("Content-Type"), body, headers.getFirst("X-Zoho-Webhook-Signature"), SECRET);
            case "sign" -> Zoho.verifyBase64(body, headers.getFirst("X-ZS-WEBHOOK-SIGNATURE"), SECRET);
            case "mail" -> Zoho.verifyBase64(body, headers.getFirst("X-Hook-Signature"), SECRET);
            case "webinar" -> Zoho.verifyHex(body, headers.getFirst("X-WEBINAR-SIGNATURE"), SECRET);
            case "guide" -> Zoho.verifyHex(body, headers.getFirst("X-Zoho-Signature"), SECRET);
            case "payments" -> Zoho.verifyPayments(body, headers.getFirst("X-Zoho-Webhook-Signature"), SECRET, 300_000);
            case "zeptomail" -> Zoho.verifyZeptomail(body, headers.getFirst("producer-signature"), SECRET);
            case "salesiq" -> Zoho.verifyRsa(body, headers.getFirst("x-siqsignature"), publicKey);
            case "cliq" -> Zoho.verifyRsa(body, headers.getFirst("X-Cliq-Signature"), publicKey);
            case "desk" -> Zoho.verifyDesk(headers.getFirst("X-ZDesk-JWT"), deskKeys, System.getenv("DESK_AUDIENCE"));
            default -> false;
        };
    }
}
