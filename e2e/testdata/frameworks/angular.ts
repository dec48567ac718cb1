// An application with @auth0/auth0-angular, as its README shows one: compiled in the browser.
import '@angular/compiler';
import {AsyncPipe} from '@angular/common';
import {HttpClient, provideHttpClient, withInterceptors} from '@angular/common/http';
import {Component, inject, signal} from '@angular/core';
import {bootstrapApplication} from '@angular/platform-browser';
import {provideRouter, RouterOutlet} from '@angular/router';
import {authGuardFn, authHttpInterceptorFn, AuthService, provideAuth0} from '@auth0/auth0-angular';
import {firstValueFrom} from 'rxjs';

const {domain, clientId, audience, multiFactor} = (window as any).settings;

@Component({
  selector: 'app-songs',
  imports: [AsyncPipe],
  template: `
    <p id="mail">{{ (auth.user$ | async)?.email }}</p>
    <p id="said">{{ said() }}</p>
    <button id="renew" (click)="renew()">Renew</button>
    <button id="ask" (click)="ask()">Ask</button>
    <button id="factors" (click)="factors()">Factors</button>
    <button id="step" (click)="step()">Step up</button>
    <button id="out" (click)="out()">Log out</button>`,
})
class Songs {
  auth = inject(AuthService);
  http = inject(HttpClient);
  said = signal('');

  async renew() {
    const before = await firstValueFrom(this.auth.getAccessTokenSilently());
    await new Promise(done => setTimeout(done, 1100)); // tokens of one second are alike
    this.said.set(String(before !== await firstValueFrom(this.auth.getAccessTokenSilently({cacheMode: 'off'}))));
  }

  async ask() {
    this.said.set((await firstValueFrom(this.http.get<{sub: string}>(`https://${domain}/userinfo`))).sub);
  }

  async factors() {
    this.said.set(String((await firstValueFrom(this.auth.idTokenClaims$))?.['amr']));
  }

  step() {
    this.auth.loginWithRedirect({appState: {target: '/songs'}, authorizationParams: {acr_values: multiFactor}});
  }

  out() {
    this.auth.logout({logoutParams: {returnTo: `${location.origin}/out`}});
  }
}

@Component({
  selector: 'app-home',
  imports: [AsyncPipe],
  template: `@if (auth.error$ | async; as error) {<p id="error">{{ error.message }}</p>} @else {<p id="home">{{ (auth.isLoading$ | async) ? '' : (auth.isAuthenticated$ | async) }}</p>}`,
})
class Home {
  auth = inject(AuthService);
}

@Component({selector: 'app-root', imports: [RouterOutlet], template: '<router-outlet/>'})
class App {}

bootstrapApplication(App, {
  providers: [
    provideRouter([{path: 'songs', component: Songs, canActivate: [authGuardFn]}, {path: '**', component: Home}]),
    provideHttpClient(withInterceptors([authHttpInterceptorFn])),
    provideAuth0({
      domain, clientId, useRefreshTokens: true, useRefreshTokensFallback: true,
      authorizationParams: {redirect_uri: location.origin, audience, scope: 'openid profile email read:songs'},
      httpInterceptor: {allowedList: [`https://${domain}/userinfo`]},
    }),
  ],
});
