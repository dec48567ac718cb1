import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;

/** What the programs share: the demo, the client that the test has made, and assertions. */
final class Common {
  static final ObjectMapper JSON = new ObjectMapper();
  static final JsonNode DEMO = read(() -> Files.readString(Path.of(System.getenv("STAGEDOOR_DEMO"))));
  static final JsonNode RELYING = read(() -> System.getenv("STAGEDOOR_CLIENT"));
  static final String DOMAIN = DEMO.get("domain").asText();
  static final String ISSUER = "https://" + DOMAIN + "/";
  static final String CLIENT = of("client_id"), SECRET = of("client_secret"), CALLBACK = of("redirect_uri"), BYE = of("logout_uri"), AUDIENCE = of("audience");
  static final String EMAIL = RELYING.at("/person/email").asText(), PASSWORD = RELYING.at("/person/password").asText(), USER = RELYING.at("/person/user_id").asText();
  static final String NAME = "java-" + Long.toString(System.nanoTime(), 36);
  static final String MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

  interface Work<T> {
    T run() throws Exception;
  }

  private static final List<String> done = new ArrayList<>();

  static {
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
      failure.printStackTrace();
      System.exit(1); // servers and clients keep threads
    });
  }

  /** Names what is tried, so that a failure tells how far a program came. */
  static <T> T step(String what, Work<T> work) throws Exception {
    try {
      T result = work.run();
      System.out.println("ok   " + what);
      return result;
    } catch (Exception e) {
      System.out.println("FAIL " + what);
      throw e;
    }
  }

  /** Notes that a capability was seen to work. */
  static <T> T can(String what, Work<T> work) throws Exception {
    T result = step(what, work);
    done.add(what);
    return result;
  }

  /** Prints what a client could, and begins with the next one. */
  static void did(String client) throws Exception {
    System.out.println(JSON.writeValueAsString(JSON.createObjectNode().put("name", client).set("can", JSON.valueToTree(done))));
    done.clear();
  }

  static Void equal(Object got, Object want) {
    if (!Objects.equals(got, want)) throw new AssertionError("got " + got + ", want " + want);
    return null;
  }

  /** Expects the client to fail with the text. */
  static Void refused(Work<?> work, String text) {
    Object got;
    try {
      got = work.run();
    } catch (Exception e) {
      String said = e + " " + e.getCause();
      if (!said.contains(text)) throw new AssertionError(said, e);
      return null;
    }
    throw new AssertionError("not refused: " + got);
  }

  static JsonNode claims(String token) throws Exception {
    return JSON.readTree(Base64.getUrlDecoder().decode(token.split("\\.")[1]));
  }

  private static String of(String member) {
    return RELYING.path(member).asText();
  }

  private static JsonNode read(Work<String> text) {
    try {
      return JSON.readTree(text.run());
    } catch (Exception e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
