import http.client
conn = http.client.HTTPSConnection("youraccount.auth0.com")
headers = { 'authorization': "Bearer YOUR_ID_TOKEN_HERE" }
conn.request("GET", "/api/v2/users/user_id", headers=headers)
res = conn.getresponse()
data = res.read()
print(data.decode("utf-8"))
