// An application with @auth0/auth0-vue and vue-router, as its README shows one.
import {createApp, h, ref} from 'vue';
import {createRouter, createWebHistory, RouterView} from 'vue-router';
import {createAuth0, createAuthGuard, useAuth0} from '@auth0/auth0-vue';

const {domain, clientId, audience, multiFactor} = window.settings;

const Songs = {
  setup() {
    const auth = useAuth0(), said = ref('');
    const renew = async () => {
      const before = await auth.getAccessTokenSilently();
      await new Promise(done => setTimeout(done, 1100)); // tokens of one second are alike
      said.value = String(before !== await auth.getAccessTokenSilently({cacheMode: 'off'}));
    };
    const ask = async () => {
      const answer = await fetch(`https://${domain}/userinfo`, {headers: {Authorization: `Bearer ${await auth.getAccessTokenSilently()}`}});
      said.value = (await answer.json()).sub;
    };
    return () => [
      h('p', {id: 'mail'}, auth.user.value?.email),
      h('p', {id: 'said'}, said.value),
      h('button', {id: 'renew', onClick: renew}, 'Renew'),
      h('button', {id: 'ask', onClick: ask}, 'Ask'),
      h('button', {id: 'factors', onClick: () => { said.value = auth.idTokenClaims.value.amr?.join(); }}, 'Factors'),
      h('button', {id: 'step', onClick: () => auth.loginWithRedirect({appState: {target: '/songs'}, authorizationParams: {acr_values: multiFactor}})}, 'Step up'),
      h('button', {id: 'out', onClick: () => auth.logout({logoutParams: {returnTo: `${location.origin}/out`}})}, 'Log out'),
    ];
  },
};

const Home = {
  setup() {
    const {isLoading, isAuthenticated, error} = useAuth0();
    return () => error.value ? h('p', {id: 'error'}, error.value.message) : h('p', {id: 'home'}, isLoading.value ? '' : String(isAuthenticated.value));
  },
};

const app = createApp(RouterView);
const router = createRouter({
  history: createWebHistory(),
  routes: [{path: '/songs', component: Songs, beforeEnter: createAuthGuard(app)}, {path: '/:any*', component: Home}],
});
app.use(router).use(createAuth0({
  domain, clientId, useRefreshTokens: true, useRefreshTokensFallback: true,
  authorizationParams: {redirect_uri: location.origin, audience, scope: 'openid profile email read:songs'},
})).mount('#app');
