apt-get update >/dev/null 2>&1 && apt-get install -y jq >/dev/null 2>&1
