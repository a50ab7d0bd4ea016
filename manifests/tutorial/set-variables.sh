SA_ID="<IAM_service_account_ID>" && \
SECRET_ID="<Lockbox_secret_ID>" && \
SA_TOKEN="$(cat /var/run/secrets/tokens/sa-token)"
