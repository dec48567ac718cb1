import com.auth0.jwk.JwkProvider;
import com.auth0.jwk.JwkProviderBuilder;
import com.auth0.jwt.JWT;
import com.auth0.jwt.JWTVerifier;
import com.auth0.jwt.algorithms.Algorithm;
import com.auth0.jwt.interfaces.RSAKeyProvider;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.oauth2.sdk.*;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.dpop.DPoPProofFactory;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.oauth2.sdk.token.AccessTokenType;
import com.nimbusds.openid.connect.sdk.*;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.util.List;

/** oauth2-oidc-sdk, a relying party of the standards' own that takes nothing which they do not name, and java-jwt with the keys that jwks-rsa finds. */
final class OpenID {
  private static final Browser browser = new Browser();
  private static final ClientSecretPost client = new ClientSecretPost(new ClientID(Common.CLIENT), new Secret(Common.SECRET));
  private static OIDCProviderMetadata provider;
  private static IDTokenClaimsSet claims; // of the last login

  /** A code flow that has begun. */
  private record Flow(AuthenticationRequest request, CodeVerifier verifier) {
    static Flow begin(String scope, String prompt, String acr) {
      CodeVerifier verifier = new CodeVerifier();
      AuthenticationRequest.Builder b = new AuthenticationRequest.Builder(new ResponseType("code"), Scope.parse(scope), client.getClientID(), URI.create(Common.CALLBACK))
          .endpointURI(provider.getAuthorizationEndpointURI()).state(new State()).nonce(new Nonce()).codeChallenge(verifier, CodeChallengeMethod.S256).customParameter("audience", Common.AUDIENCE);
      if (prompt != null) b.customParameter("prompt", prompt);
      if (acr != null) b.customParameter("acr_values", acr);
      return new Flow(b.build(), verifier);
    }

    OIDCTokenResponse finish(URI at, DPoPProofFactory key) throws Exception {
      AuthenticationResponse back = AuthenticationResponseParser.parse(URI.create(browser.visit(at.toString(), Common.CALLBACK).at().toString()));
      Common.equal(back.getState(), request.getState());
      if (!back.indicatesSuccess()) throw new GeneralException(back.toErrorResponse().getErrorObject());
      OIDCTokenResponse tokens = redeem(new AuthorizationCodeGrant(back.toSuccessResponse().getAuthorizationCode(), URI.create(Common.CALLBACK), verifier), key);
      IDTokenValidator validator = new IDTokenValidator(new Issuer(Common.ISSUER), client.getClientID(), JWSAlgorithm.RS256, provider.getJWKSetURI().toURL());
      claims = validator.validate(tokens.getOIDCTokens().getIDToken(), request.getNonce());
      return tokens;
    }

    OIDCTokenResponse finish(DPoPProofFactory key) throws Exception {
      return finish(request.toURI(), key);
    }

    OIDCTokenResponse finish() throws Exception {
      return finish(null);
    }
  }

  private static OIDCTokenResponse redeem(AuthorizationGrant grant, DPoPProofFactory key) throws Exception {
    HTTPRequest request = new TokenRequest(provider.getTokenEndpointURI(), client, grant).toHTTPRequest();
    if (key != null) request.setDPoP(key.createDPoPJWT("POST", provider.getTokenEndpointURI()));
    TokenResponse response = OIDCTokenResponseParser.parse(request.send());
    if (!response.indicatesSuccess()) throw new GeneralException(response.toErrorResponse().getErrorObject());
    return (OIDCTokenResponse) response.toSuccessResponse();
  }

  static DPoPProofFactory key() throws Exception {
    return new DefaultDPoPProofFactory(new ECKeyGenerator(Curve.P_256).generate(), JWSAlgorithm.ES256);
  }

  /** A token for the API that only the holder of a key may use. */
  static AccessToken bound(DPoPProofFactory key) throws Exception {
    provider = OIDCProviderMetadata.resolve(new Issuer(Common.ISSUER));
    return Flow.begin("openid read:songs", null, null).finish(key).getOIDCTokens().getAccessToken();
  }

  public static void main(String[] args) throws Exception {
    provider = Common.step("metadata", () -> OIDCProviderMetadata.resolve(new Issuer(Common.ISSUER)));
    OIDCTokenResponse tokens = Common.can("sign in", () -> Flow.begin("openid email offline_access read:songs", null, null).finish());
    Common.equal(claims.getStringClaim("email"), Common.EMAIL);
    Common.can("userinfo", () -> Common.equal(UserInfoResponse.parse(new UserInfoRequest(provider.getUserInfoEndpointURI(), tokens.getOIDCTokens().getAccessToken()).toHTTPRequest().send())
        .toSuccessResponse().getUserInfo().getSubject().getValue(), Common.USER));
    RefreshTokenGrant renewal = new RefreshTokenGrant(tokens.getOIDCTokens().getRefreshToken());
    Common.can("renew", () -> redeem(renewal, null));
    int asked = browser.asked;
    Common.can("single sign-on", () -> Flow.begin("openid", "none", null).finish());
    Common.equal(browser.asked, asked);
    Common.can("step up", () -> {
      Flow.begin("openid", null, Common.MULTI_FACTOR).finish();
      return Common.equal(claims.getACR() + " " + claims.getAMR(), Common.MULTI_FACTOR + " [mfa]");
    });
    Common.can("PAR", () -> {
      Flow flow = Flow.begin("openid", null, null);
      PushedAuthorizationResponse pushed = PushedAuthorizationResponse.parse(new PushedAuthorizationRequest(provider.getPushedAuthorizationRequestEndpointURI(), client, flow.request()).toHTTPRequest().send());
      return flow.finish(new AuthenticationRequest.Builder(pushed.toSuccessResponse().getRequestURI(), client.getClientID()).endpointURI(provider.getAuthorizationEndpointURI()).build().toURI(), null);
    });
    Common.can("DPoP", () -> {
      AccessToken bound = bound(key());
      Common.equal(Common.claims(bound.getValue()).at("/cnf/jkt").isTextual(), true);
      return Common.equal(bound.getType(), AccessTokenType.DPOP);
    });
    Common.can("revoke", () -> {
      new TokenRevocationRequest(provider.getRevocationEndpointURI(), client, tokens.getOIDCTokens().getRefreshToken()).toHTTPRequest().send().ensureStatusCode(200);
      return Common.refused(() -> redeem(renewal, null), "Unknown or invalid refresh token.");
    });
    Common.step("introspection", () -> {
      TokenIntrospectionRequest request = new TokenIntrospectionRequest(provider.getIntrospectionEndpointURI(), client, tokens.getOIDCTokens().getAccessToken());
      TokenIntrospectionSuccessResponse known = TokenIntrospectionResponse.parse(request.toHTTPRequest().send()).toSuccessResponse();
      return Common.equal(known.isActive() + " " + known.getSubject() + " " + known.getScope().contains("read:songs"), "true " + Common.USER + " true");
    });
    Common.can("sign out", () -> {
      LogoutRequest request = new LogoutRequest(provider.getEndSessionEndpointURI(), tokens.getOIDCTokens().getIDToken(), URI.create(Common.BYE), new State("s"));
      Common.equal(browser.visit(request.toURI().toString(), Common.BYE).parameter("state"), "s");
      return Common.refused(() -> Flow.begin("openid", "none", null).finish(), "Login required");
    });
    Common.did("com.nimbusds:oauth2-oidc-sdk");
    verify(tokens.getOIDCTokens().getAccessToken().getValue(), tokens.getOIDCTokens().getIDTokenString());
    System.exit(0);
  }

  private static void verify(String access, String id) throws Exception {
    JwkProvider keys = new JwkProviderBuilder(Common.ISSUER).cached(true).build();
    RSAKeyProvider found = new RSAKeyProvider() {
      public RSAPublicKey getPublicKeyById(String kid) {
        try {
          return (RSAPublicKey) keys.get(kid).getPublicKey();
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }

      public RSAPrivateKey getPrivateKey() {
        return null;
      }

      public String getPrivateKeyId() {
        return null;
      }
    };
    JWTVerifier verifier = JWT.require(Algorithm.RSA256(found)).withIssuer(Common.ISSUER).withAudience(Common.AUDIENCE).build();
    Common.can("verify", () -> Common.equal(verifier.verify(access).getSubject(), Common.USER));
    Common.can("refuse", () -> {
      for (String token : List.of(access.substring(0, access.length() - 8) + "AAAAAAAA", id, "abc")) Common.refused(() -> verifier.verify(token), "exceptions");
      return null;
    });
    Common.did("com.auth0:java-jwt");
  }
}
