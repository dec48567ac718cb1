import * as auth0 from 'auth0-v6'
import { paged } from './paged.mjs'

export const connect = paged(auth0)
export const manage = credentials => new auth0.ManagementClient(credentials)
