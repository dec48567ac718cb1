import com.auth0.client.mgmt.ManagementApi;
import com.auth0.client.mgmt.core.ManagementApiException;
import com.auth0.client.mgmt.core.ObjectMappers;
import com.auth0.client.mgmt.core.SyncPagingIterable;
import com.auth0.client.mgmt.jobs.types.*;
import com.auth0.client.mgmt.organizations.types.*;
import com.auth0.client.mgmt.roles.types.*;
import com.auth0.client.mgmt.types.*;
import com.auth0.client.mgmt.users.types.*;
import com.fasterxml.jackson.databind.JsonNode;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Set;

/** com.auth0.client.mgmt of generation 3: every answer is read into the types that the SDK has of it, and every list that needs no argument is read. */
final class Management {
  private static final JsonNode OWN = Common.DEMO.get("management");
  private static final ManagementApi api = ManagementApi.builder().domain(Common.DOMAIN).clientCredentials(OWN.get("client_id").asText(), OWN.get("client_secret").asText()).maxRetries(0).build();
  private static final String name = Common.NAME, email = name + "@clients.example", audience = "https://" + name;

  /** What is not there until somebody makes it. */
  private static final Set<String> ABSENT = Set.of("branding.templates.getUniversalLogin", "branding.themes.getDefault", "emails.provider.get", "keys.customSigning.get");
  /** Where the SDK fails at what the description allows: a list with nothing behind it, an answer without a body. */
  private static final Set<String> BROKEN = Set.of("verifiableCredentials.verification.templates.list", "guardian.factors.sms.getTemplates");

  public static void main(String[] args) throws Exception {
    String client = make("a client", CreateClientRequestContent.class, "{'name':NAME,'app_type':'regular_web','oidc_conformant':true,'client_metadata':{'team':NAME},'organization_usage':'allow','initiate_login_uri':'https://app.example/login'}", api.clients()::create, "client_id");
    String connection = make("a connection", CreateConnectionRequestContent.class, "{'name':NAME,'strategy':'auth0','enabled_clients':['" + client + "']}", api.connections()::create, "id");
    String user = make("a user", CreateUserRequestContent.class, "{'connection':NAME,'email':'" + email + "','password':'Correct-Horse-9','user_metadata':{'color':'red'},'app_metadata':{'plan':'gold'}}", api.users()::create, "user_id");
    Common.step("metadata are merged", () -> Common.equal(tree(api.users().update(user, of(UpdateUserRequestContent.class, "{'user_metadata':{'size':2}}"))).get("user_metadata").toString(), "{\"color\":\"red\",\"size\":2}"));
    Common.step("search", () -> Common.equal(first(api.users().list(of(ListUsersRequestParameters.class, "{'q':'app_metadata.plan:gold AND email:" + email + "','search_engine':'v3','include_totals':true}")), "user_id"), user));
    Common.step("by mail", () -> Common.equal(first(api.users().listUsersByEmail(of(ListUsersByEmailRequestParameters.class, "{'email':'" + email + "'}")), "user_id"), user));
    String resource = make("an API", CreateResourceServerRequestContent.class, "{'identifier':'" + audience + "','scopes':[{'value':'read:songs'}]}", api.resourceServers()::create, "id");
    String grant = make("a grant", CreateClientGrantRequestContent.class, "{'client_id':'" + client + "','audience':'" + audience + "','scope':['read:songs'],'organization_usage':'allow'}", api.clientGrants()::create, "id");
    String role = make("a role", CreateRoleRequestContent.class, "{'name':NAME,'description':'d'}", api.roles()::create, "id");
    api.roles().permissions().add(role, of(AddRolePermissionsRequestContent.class, "{'permissions':[{'resource_server_identifier':'" + audience + "','permission_name':'read:songs'}]}"));
    api.users().roles().assign(user, of(AssignUserRolesRequestContent.class, "{'roles':['" + role + "']}"));
    Common.step("a user's roles", () -> Common.equal(first(api.users().roles().list(user), "name"), name));
    Common.step("a user's permissions", () -> Common.equal(first(api.users().permissions().list(user), "permission_name"), "read:songs"));
    String org = make("an organization", CreateOrganizationRequestContent.class, "{'name':NAME,'display_name':'Every','enabled_connections':[{'connection_id':'" + connection + "','assign_membership_on_login':true}]}", api.organizations()::create, "id");
    api.organizations().members().create(org, of(CreateOrganizationMemberRequestContent.class, "{'members':['" + user + "']}"));
    Common.step("its members", () -> Common.equal(first(api.organizations().members().list(org), "user_id"), user));
    Common.step("its connections", () -> Common.equal(first(api.organizations().enabledConnections().list(org), "connection_id"), connection));
    api.organizations().clientGrants().create(org, of(AssociateOrganizationClientGrantRequestContent.class, "{'grant_id':'" + grant + "'}"));
    Common.step("its grants", () -> Common.equal(first(api.organizations().clientGrants().list(org), "id"), grant));
    make("an invitation", CreateOrganizationInvitationRequestContent.class, "{'inviter':{'name':'Ada'},'invitee':{'email':'a@guests.example'},'client_id':'" + client + "','send_invitation_email':false}", in -> api.organizations().invitations().create(org, in), "id");
    String rule = make("a rule", CreateRuleRequestContent.class, "{'name':NAME,'script':'function (user, context, callback) { callback(null, user, context) }','enabled':false}", api.rules()::create, "id");
    String action = make("an action", CreateActionRequestContent.class, "{'name':NAME,'supported_triggers':[{'id':'post-login','version':'v3'}],'code':'exports.onExecutePostLogin = async () => {}','secrets':[{'name':'A','value':'b'}]}", api.actions()::create, "id");
    Common.step("its version", () -> api.actions().deploy(action));
    make("a second factor", CreateUserAuthenticationMethodRequestContent.class, "{'type':'phone','phone_number':'+15555550100','preferred_authentication_method':'sms'}", in -> api.users().authenticationMethods().create(user, in), "id");
    Common.step("a user's factors", () -> Common.equal(first(api.users().authenticationMethods().list(user), "type"), "phone"));
    String job = make("a job", CreateExportUsersRequestContent.class, "{'format':'json','limit':5,'connection_id':'" + connection + "'}", api.jobs().usersExports()::create, "id");
    Common.step("how a job goes", () -> api.jobs().get(job));
    make("a ticket", ChangePasswordTicketRequestContent.class, "{'user_id':'" + user + "'}", api.tickets()::changePassword, "ticket");
    String stream = make("a log stream", CreateLogStreamRequestContent.class, "{'type':'http','name':NAME,'sink':{'httpEndpoint':'https://logs.example/x'}}", api.logStreams()::create, "id");
    String events = make("an event stream", EventStreamsCreateRequest.class,
        "{'name':NAME,'status':'disabled','subscriptions':[{'event_type':'user.created'}],'destination':{'type':'webhook','configuration':{'webhook_endpoint':'https://events.example/x','webhook_authorization':{'method':'bearer','token':'t'}}}}", api.eventStreams()::create, "id");
    api.eventStreams().update(events, of(UpdateEventStreamRequestContent.class, "{'status':'enabled'}"));
    make("an event", CreateEventStreamTestEventRequestContent.class, "{'event_type':'user.created'}", in -> api.eventStreams().test(events, in), "id");
    Common.step("its deliveries", () -> api.eventStreams().deliveries().list(events));
    String form = make("a form", CreateFormRequestContent.class, "{'name':NAME,'languages':{'primary':'en'},'nodes':[],'start':{'next_node':'$ending'},'ending':{'resume_flow':true}}", api.forms()::create, "id");
    Common.step("what is not there", () -> Common.refused(() -> api.users().get("auth0|nobody"), "NotFoundError"));
    int lists = Common.step("every list", () -> readAll(api, ""));
    Common.equal(lists > 60, true);
    api.forms().delete(form);
    api.eventStreams().delete(events);
    api.logStreams().delete(stream);
    api.actions().delete(action);
    api.rules().delete(rule);
    api.organizations().delete(org);
    api.roles().delete(role);
    api.resourceServers().delete(resource);
    api.users().delete(user);
    api.connections().delete(connection);
    api.clients().delete(client);
    System.exit(0); // the client's threads stay
  }

  private interface Call<I> {
    Object apply(I in) throws Exception;
  }

  /** Sends a request, whose JSON is written with ' for ", and returns a member of the answer. */
  private static <I> String make(String what, Class<I> type, String in, Call<I> call, String member) throws Exception {
    return Common.step(what, () -> tree(call.apply(of(type, in))).get(member).asText());
  }

  private static <I> I of(Class<I> type, String json) throws Exception {
    return ObjectMappers.JSON_MAPPER.readValue(json.replace("NAME", "'" + name + "'").replace('\'', '"'), type);
  }

  private static JsonNode tree(Object answer) {
    return ObjectMappers.JSON_MAPPER.valueToTree(answer);
  }

  private static String first(Iterable<?> list, String member) {
    return tree(list.iterator().next()).get(member).asText();
  }

  /** Calls every method of a client, and of those in it, that reads something and needs no argument, and counts them. */
  private static int readAll(Object client, String path) throws Exception {
    int n = 0;
    for (Method method : client.getClass().getMethods()) {
      String at = (path + "." + method.getName()).substring(path.isEmpty() ? 1 : 0);
      boolean inner = method.getReturnType().getSimpleName().endsWith("Client") && !method.getName().equals("withRawResponse");
      if (method.getParameterCount() > 0 || BROKEN.contains(at) || !inner && !method.getName().matches("(get|list)(?!Class).*")) continue;
      try {
        Object answer = method.invoke(client);
        if (inner) {
          n += readAll(answer, at);
          continue;
        }
        n++;
        if (answer instanceof SyncPagingIterable<?> pages) pages.iterator().hasNext();
      } catch (InvocationTargetException e) {
        if (!(e.getCause() instanceof ManagementApiException absent && absent.statusCode() == 404 && ABSENT.contains(at))) throw new AssertionError(at + ": " + e.getCause(), e);
      }
    }
    return n;
  }
}
