curl --request GET \
--url https://youraccount.auth0.com/api/v2/users/user_id \
--header 'authorization: Bearer YOUR_ID_TOKEN_HERE'
