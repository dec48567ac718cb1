curl --request PATCH \
--url 'https://YOUR_DOMAIN/api/v2/users/user_id' \
--header 'authorization: Bearer YOUR_ACCESS_TOKEN' \
--header 'content-type: application/json' \
--data '{"user_metadata": {"displayName": "J-vald3z"}'
