import auth0 from 'auth0-v2'
import { classic } from './classic.mjs'

export const connect = classic(auth0)
export const manage = credentials => new auth0.ManagementClient(credentials)
