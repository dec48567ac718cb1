// An application with @auth0/auth0-react, as its README shows one.
import {useState} from 'react';
import {createRoot} from 'react-dom/client';
import {Auth0Provider, useAuth0, withAuthenticationRequired} from '@auth0/auth0-react';

const {domain, clientId, audience, multiFactor} = window.settings;

function Songs() {
  const {user, getAccessTokenSilently, getIdTokenClaims, loginWithRedirect, logout} = useAuth0();
  const [said, say] = useState('');
  const renew = async () => {
    const before = await getAccessTokenSilently();
    await new Promise(done => setTimeout(done, 1100)); // tokens of one second are alike
    say(String(before !== await getAccessTokenSilently({cacheMode: 'off'})));
  };
  const ask = async () => {
    const answer = await fetch(`https://${domain}/userinfo`, {headers: {Authorization: `Bearer ${await getAccessTokenSilently()}`}});
    say((await answer.json()).sub);
  };
  return <>
    <p id="mail">{user.email}</p>
    <p id="said">{said}</p>
    <button id="renew" onClick={renew}>Renew</button>
    <button id="ask" onClick={ask}>Ask</button>
    <button id="factors" onClick={async () => say((await getIdTokenClaims()).amr?.join())}>Factors</button>
    <button id="step" onClick={() => loginWithRedirect({appState: {returnTo: '/songs'}, authorizationParams: {acr_values: multiFactor}})}>Step up</button>
    <button id="out" onClick={() => logout({logoutParams: {returnTo: `${location.origin}/out`}})}>Log out</button>
  </>;
}

const Guarded = withAuthenticationRequired(Songs, {returnTo: '/songs'});

function Page() {
  const {isLoading, isAuthenticated, error} = useAuth0();
  const [path, go] = useState(location.pathname);
  window.go = go;
  if (error) return <p id="error">{error.message}</p>;
  return path === '/songs' ? <Guarded/> : <p id="home">{isLoading ? '' : String(isAuthenticated)}</p>;
}

const back = state => {
  history.replaceState(null, '', state?.returnTo ?? location.pathname);
  window.go(location.pathname);
};

createRoot(document.querySelector('#app')).render(
  <Auth0Provider domain={domain} clientId={clientId} useRefreshTokens useRefreshTokensFallback onRedirectCallback={back}
    authorizationParams={{redirect_uri: location.origin, audience, scope: 'openid profile email read:songs'}}>
    <Page/>
  </Auth0Provider>);
