import com.auth0.client.auth.AuthAPI;
import com.auth0.exception.APIException;
import com.auth0.json.auth.CreatedOtpResponse;
import com.auth0.json.auth.TokenHolder;
import com.auth0.client.auth.PasswordlessEmailType;
import com.auth0.net.Request;
import java.util.List;
import java.util.Map;

/** com.auth0.client.auth, of either generation: people and machines sign in without a browser. The second factor is asked for by a rule of the test. */
final class Authentication {
  static final String REALM = "Username-Password-Authentication";

  public static void main(String[] args) throws Exception {
    String api = Common.DEMO.at("/management/audience").asText(), machine = Common.DEMO.at("/management/client_id").asText();
    AuthAPI own = AuthAPI.newBuilder(Common.DOMAIN, machine, Common.DEMO.at("/management/client_secret").asText()).build();
    TokenHolder token = Common.step("client credentials", () -> get(own.requestToken(api)));
    Common.equal(Common.claims(token.getAccessToken()).get("aud").asText(), api);
    Common.step("a wrong secret is refused", () -> Common.refused(() -> get(AuthAPI.newBuilder(Common.DOMAIN, machine, "wrong").build().requestToken(api)), "Unauthorized"));

    AuthAPI auth = AuthAPI.newBuilder(Common.DOMAIN, Common.CLIENT, Common.SECRET).build();
    String email = Common.NAME + "@clients.example", password = "Correct-Horse-9";
    Common.equal(Common.step("sign up", () -> get(auth.signUp(email, password.toCharArray(), REALM).setCustomFields(Map.of("color", "red")))).getEmail(), email);
    Common.step("a password that is forgotten", () -> get(auth.resetPassword(email, REALM)));
    Common.step("a wrong password is refused", () -> Common.refused(() -> get(auth.login(email, "wrong".toCharArray(), REALM)), "Wrong email or password."));
    String asked = Common.step("a second factor is asked for", () -> asks(auth, email, password));
    CreatedOtpResponse app = Common.step("an app", () -> get(auth.addOtpAuthenticator(asked)));
    TokenHolder tokens = Common.step("its code", () -> get(auth.exchangeMfaOtp(asked, Browser.code(app.getSecret(), 0).toCharArray())));
    Common.step("userinfo", () -> Common.equal(get(auth.userInfo(tokens.getAccessToken())).getValues().get("email"), email));
    String again = asks(auth, email, password);
    Common.step("what somebody has", () -> Common.equal(get(auth.listAuthenticators(again)).stream().filter(a -> a.isActive() && a.getAuthenticatorType().equals("otp")).count(), 1L));
    Common.step("a challenge", () -> Common.equal(get(auth.mfaChallengeRequest(again, "otp", null)).getChallengeType(), "otp"));
    Common.step("a code once more", () -> get(auth.exchangeMfaOtp(again, Browser.code(app.getSecret(), 1).toCharArray())));
    TokenHolder renewed = Common.step("renew", () -> get(auth.renewAuth(tokens.getRefreshToken())));
    Common.equal(Common.claims(renewed.getIdToken()).get("email").asText(), email);
    Common.step("revoke", () -> get(auth.revokeToken(tokens.getRefreshToken())));
    Common.step("what is revoked is refused", () -> Common.refused(() -> get(auth.renewAuth(tokens.getRefreshToken())), "Unknown or invalid refresh token."));
    Common.step("a code by mail", () -> get(auth.startPasswordlessEmailFlow(email, PasswordlessEmailType.CODE)));
    Common.step("a wrong code is refused", () -> Common.refused(() -> get(auth.exchangePasswordlessOtp(email, "email", "000000".toCharArray())), "Wrong email or verification code."));
    String pushed = Common.step("PAR", () -> get(auth.pushedAuthorizationRequest(Common.CALLBACK, "code", Map.of("scope", "openid"))).getRequestURI());
    Common.equal(pushed.startsWith("urn:ietf:params:oauth:request_uri:"), true);
    Common.step("CIBA is for clients with its grant", () -> Common.refused(() -> get(auth.authorizeBackChannel("openid", "hello", Map.of("format", "iss_sub", "iss", Common.ISSUER, "sub", Common.USER))), "not allowed for the client"));
    System.exit(0); // the client's threads stay
  }

  private static <T> T get(Request<T> request) throws Exception {
    return request.execute().getBody();
  }

  /** The token with which a second factor is to be given. */
  private static String asks(AuthAPI auth, String email, String password) throws Exception {
    try {
      get(auth.login(email, password.toCharArray(), REALM).setScope("openid email offline_access"));
    } catch (APIException e) {
      Common.equal(List.of(e.isMultifactorRequired(), e.getStatusCode()), List.of(true, 403));
      return (String) e.getValue("mfa_token");
    }
    throw new AssertionError("no second factor is asked for");
  }
}
