import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.oauth2.sdk.dpop.DPoPProofFactory;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.OAuth2AuthorizedClientProviderBuilder;
import org.springframework.security.oauth2.client.annotation.RegisteredOAuth2AuthorizedClient;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizedClientManager;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizedClientRepository;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.server.resource.introspection.SpringOpaqueTokenIntrospector;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/** An application with Spring Security: it signs people in, and has an API that verifies tokens by the issuer's keys, and one that asks the issuer. */
@SpringBootConfiguration
@EnableAutoConfiguration
@Import(Spring.Pages.class)
public class Spring {
  @Bean
  @Order(1)
  SecurityFilterChain api(HttpSecurity http) throws Exception {
    http.securityMatcher("/api/**").authorizeHttpRequests(r -> r.requestMatchers("/api/edit").hasAuthority("SCOPE_edit:songs").anyRequest().hasAuthority("SCOPE_read:songs"));
    return http.oauth2ResourceServer(o -> o.jwt(Customizer.withDefaults())).build();
  }

  @Bean
  @Order(2)
  SecurityFilterChain opaque(HttpSecurity http) throws Exception {
    var asks = SpringOpaqueTokenIntrospector.withIntrospectionUri(Common.ISSUER + "oauth/introspect").clientId(Common.CLIENT).clientSecret(Common.SECRET).build();
    http.securityMatcher("/opaque/**").authorizeHttpRequests(r -> r.anyRequest().hasAuthority("SCOPE_read:songs"));
    return http.oauth2ResourceServer(o -> o.opaqueToken(t -> t.introspector(asks))).build();
  }

  @Bean
  @Order(3)
  SecurityFilterChain pages(HttpSecurity http, ClientRegistrationRepository registrations) throws Exception {
    var requests = new DefaultOAuth2AuthorizationRequestResolver(registrations, "/oauth2/authorization");
    requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce().andThen(b -> b.additionalParameters(p -> {
      p.put("audience", Common.AUDIENCE);
      ((ServletRequestAttributes) RequestContextHolder.currentRequestAttributes()).getRequest().getParameterMap().forEach((name, values) -> p.put(name, values[0]));
    })));
    var left = new OidcClientInitiatedLogoutSuccessHandler(registrations);
    left.setPostLogoutRedirectUri("{baseUrl}/bye");
    http.authorizeHttpRequests(r -> r.requestMatchers("/bye", "/error").permitAll().anyRequest().authenticated());
    http.oauth2Login(o -> o.authorizationEndpoint(e -> e.authorizationRequestResolver(requests)).redirectionEndpoint(e -> e.baseUri("/callback")));
    http.logout(l -> l.logoutSuccessHandler(left).logoutRequestMatcher(r -> r.getRequestURI().equals("/logout")));
    return http.csrf(c -> c.disable()).build();
  }

  /** Tokens that live less than two days are renewed each time. */
  @Bean
  OAuth2AuthorizedClientManager clients(ClientRegistrationRepository registrations, OAuth2AuthorizedClientRepository clients) {
    var manager = new DefaultOAuth2AuthorizedClientManager(registrations, clients);
    manager.setAuthorizedClientProvider(OAuth2AuthorizedClientProviderBuilder.builder().authorizationCode().refreshToken(r -> r.clockSkew(Duration.ofDays(2))).build());
    return manager;
  }

  @RestController
  static class Pages {
    @GetMapping("/")
    Map<String, Object> home(@AuthenticationPrincipal OidcUser user) {
      return user.getIdToken().getClaims();
    }

    @GetMapping("/userinfo")
    Map<String, Object> userinfo(@AuthenticationPrincipal OidcUser user) {
      return user.getUserInfo().getClaims();
    }

    @GetMapping("/token")
    Map<String, Object> token(@RegisteredOAuth2AuthorizedClient("stagedoor") OAuth2AuthorizedClient client) {
      return Map.of("access_token", client.getAccessToken().getTokenValue());
    }

    @GetMapping({"/api/songs", "/api/edit", "/opaque/songs"})
    String songs(Authentication who) {
      return who.getName();
    }

    @GetMapping("/bye")
    String bye() {
      return "bye";
    }
  }

  private static final String BASE = Common.CALLBACK.substring(0, Common.CALLBACK.lastIndexOf('/'));
  private static final Browser browser = new Browser();

  public static void main(String[] args) throws Exception {
    String client = "spring.security.oauth2.client.registration.stagedoor.";
    SpringApplication app = new SpringApplication(Spring.class);
    app.setDefaultProperties(Map.ofEntries(
        Map.entry("server.port", URI.create(BASE).getPort()), Map.entry("server.address", "localhost"), Map.entry("spring.main.banner-mode", "off"), Map.entry("logging.level.root", "warn"),
        Map.entry(client + "client-id", Common.CLIENT), Map.entry(client + "client-secret", Common.SECRET), Map.entry(client + "redirect-uri", Common.CALLBACK),
        Map.entry(client + "scope", "openid,profile,email,offline_access,read:songs"), Map.entry("spring.security.oauth2.client.provider.stagedoor.issuer-uri", Common.ISSUER),
        Map.entry("spring.security.oauth2.resourceserver.jwt.issuer-uri", Common.ISSUER), Map.entry("spring.security.oauth2.resourceserver.jwt.audiences", Common.AUDIENCE)));
    Common.step("start", app::run);
    Common.can("sign in", () -> Common.equal(page("/").get("email").asText(), Common.EMAIL));
    Common.can("userinfo", () -> Common.equal(page("/userinfo").get("sub").asText(), Common.USER));
    String first = page("/token").get("access_token").asText();
    Thread.sleep(1000); // tokens of one second are the same
    String renewed = Common.can("renew", () -> page("/token").get("access_token").asText());
    Common.equal(first.equals(renewed), false);
    int asked = browser.asked;
    Common.can("single sign-on", () -> page("/oauth2/authorization/stagedoor?prompt=none"));
    Common.equal(browser.asked, asked);
    Common.can("step up", () -> Common.equal(page("/oauth2/authorization/stagedoor?acr_values=" + Common.MULTI_FACTOR).get("acr").asText(), Common.MULTI_FACTOR));
    Common.can("sign out", () -> {
      Common.equal(browser.visit(BASE + "/logout", "-").body(), "bye");
      int before = browser.asked;
      page("/");
      return Common.equal(browser.asked > before, true);
    });
    Common.did("org.springframework.boot:spring-boot-starter-oauth2-client");
    Common.can("verify", () -> Common.equal(ask("/api/songs", renewed) + " " + ask("/opaque/songs", renewed), Common.USER + " " + Common.USER));
    Common.can("refuse", () -> {
      String broken = renewed.substring(0, renewed.length() - 8) + "AAAAAAAA";
      return Common.equal(ask("/api/edit", renewed) + ask("/api/songs", broken) + ask("/opaque/songs", broken) + ask("/api/songs", Common.RELYING.get("id_token").asText()), "403401401401");
    });
    Common.can("DPoP", () -> {
      DPoPProofFactory key = OpenID.key();
      AccessToken bound = OpenID.bound(key);
      URI songs = URI.create(BASE + "/api/songs");
      String proof = key.createDPoPJWT("GET", songs, bound).serialize(), another = OpenID.key().createDPoPJWT("GET", songs, bound).serialize();
      return Common.equal(ask("/api/songs", bound, proof) + " " + ask("/api/songs", bound, another) + " " + ask("/api/songs", bound.getValue()), Common.USER + " 401 401");
    });
    Common.did("org.springframework.boot:spring-boot-starter-oauth2-resource-server");
    System.exit(0);
  }

  private static JsonNode page(String path) throws Exception {
    return Common.JSON.readTree(browser.visit(BASE + path, "-").body());
  }

  /** What an API says to somebody with a token: its body, or the status of a refusal. */
  private static String ask(String path, String token) throws Exception {
    return answer(HttpRequest.newBuilder(URI.create(BASE + path)).header("Authorization", "Bearer " + token));
  }

  private static String ask(String path, AccessToken token, String proof) throws Exception {
    return answer(HttpRequest.newBuilder(URI.create(BASE + path)).header("Authorization", "DPoP " + token.getValue()).header("DPoP", proof));
  }

  private static String answer(HttpRequest.Builder request) throws Exception {
    HttpResponse<String> response = HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
    return response.statusCode() == 200 ? response.body() : String.valueOf(response.statusCode());
  }
}
