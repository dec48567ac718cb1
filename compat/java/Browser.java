import java.net.CookieManager;
import java.net.CookiePolicy;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A browser without JavaScript: it keeps cookies, follows redirects, fills in the forms of the hosted pages and sends them. It has an
 * authenticator app, which it sets up where a page offers it. */
final class Browser {
  private static final Pattern FORM = Pattern.compile("(?s)<form\\b[^>]*method=\"post\"[^>]*>.*?</form>", Pattern.CASE_INSENSITIVE);
  private static final Pattern FIELD = Pattern.compile("<(?:input|button)\\b[^>]*>");
  private static final Pattern ATTRIBUTE = Pattern.compile("([a-z-]+)(?:=\"([^\"]*)\")?");
  private static final Pattern SECRET = Pattern.compile("(?s)class=\"secret\".*?<code[^>]*>([^<]+)<");

  private final HttpClient client = HttpClient.newBuilder().cookieHandler(new CookieManager(null, CookiePolicy.ACCEPT_ALL)).build();
  private byte[] app;
  private long last;
  int asked; // pages that the person had to do something on

  record Page(URI at, int status, String body) {
    String parameter(String name) {
      for (String pair : at.getRawQuery().split("&")) {
        if (pair.startsWith(name + "=")) return URLDecoder.decode(pair.substring(name.length() + 1), StandardCharsets.UTF_8);
      }
      return null;
    }
  }

  /** Opens an address and does what the pages ask for, until one that begins with stop is reached, which is not opened, or a page that asks for nothing. */
  Page visit(String address, String stop) throws Exception {
    URI at = URI.create(address);
    String sent = null;
    for (int hop = 0; hop < 30; hop++) {
      if (at.toString().startsWith(stop)) return new Page(at, 0, null);
      HttpRequest.Builder request = HttpRequest.newBuilder(at).header("Accept", "text/html, application/json;q=0.9");
      if (sent != null) {
        request.header("Content-Type", "application/x-www-form-urlencoded").header("Origin", "https://" + Common.DOMAIN).POST(HttpRequest.BodyPublishers.ofString(sent));
      }
      HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      sent = null;
      if (response.statusCode() / 100 == 3) {
        at = at.resolve(response.headers().firstValue("location").orElseThrow());
        continue;
      }
      Matcher form = FORM.matcher(response.body());
      if (!form.find()) return new Page(at, response.statusCode(), response.body());
      if (response.statusCode() != 200 || response.body().contains("class=\"problems\"")) throw new AssertionError(response.statusCode() + " from " + at + "\n" + response.body());
      sent = fill(form.group(), response.body());
      String action = attributes(form.group().substring(0, form.group().indexOf('>'))).getOrDefault("action", "");
      if (!action.isEmpty()) at = at.resolve(action);
    }
    throw new AssertionError("too many redirects: " + at);
  }

  private String fill(String form, String page) throws Exception {
    Map<String, String> values = new LinkedHashMap<>();
    for (Matcher field = FIELD.matcher(form); field.find(); ) {
      Map<String, String> has = attributes(field.group());
      String name = has.getOrDefault("name", ""), type = has.getOrDefault("type", "");
      if (name.isEmpty() || name.equals("remember") || values.containsKey(name)) continue;
      if (type.equals("password")) {
        asked++;
        values.put(name, Common.PASSWORD);
      } else if (name.equals("code")) {
        asked++;
        values.put(name, code(page));
      } else if (type.equals("email") || name.equals("username")) {
        values.put(name, Common.EMAIL);
      } else {
        values.put(name, has.getOrDefault("value", ""));
      }
    }
    return values.entrySet().stream().map(v -> v.getKey() + "=" + URLEncoder.encode(v.getValue(), StandardCharsets.UTF_8)).collect(Collectors.joining("&"));
  }

  /** The app's next code (RFC 6238), after setting it up where the page shows a secret. None is given twice. */
  private String code(String page) throws Exception {
    Matcher secret = SECRET.matcher(page);
    if (secret.find()) app = base32(secret.group(1));
    last = Math.max(last + 1, System.currentTimeMillis() / 30000 - 1);
    return code(app, last);
  }

  /** The code of a secret in base 32, now. */
  static String code(String secret, int later) throws Exception {
    return code(base32(secret), System.currentTimeMillis() / 30000 + later);
  }

  private static String code(byte[] secret, long step) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA1");
    mac.init(new SecretKeySpec(secret, "HmacSHA1"));
    byte[] sum = mac.doFinal(ByteBuffer.allocate(8).putLong(step).array());
    return String.format("%06d", (ByteBuffer.wrap(sum).getInt(sum[19] & 15) & 0x7fffffff) % 1000000);
  }

  private static byte[] base32(String text) {
    String bits = text.chars().filter(c -> c != ' ')
        .mapToObj(c -> Integer.toBinaryString(32 | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c)).substring(1)).collect(Collectors.joining());
    byte[] bytes = new byte[bits.length() / 8];
    for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) Integer.parseInt(bits.substring(8 * i, 8 * i + 8), 2);
    return bytes;
  }

  private static Map<String, String> attributes(String tag) {
    Map<String, String> all = new HashMap<>();
    for (Matcher m = ATTRIBUTE.matcher(tag); m.find(); ) {
      String value = m.group(2) == null ? "" : m.group(2);
      all.put(m.group(1), value.replace("&#43;", "+").replace("&#34;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
    }
    return all;
  }
}
