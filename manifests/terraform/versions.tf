# The tutorial in one module: a cluster with workload identity federation, and a
# service account that its pods may act as to read a secret.
terraform {
  required_version = ">= 1.6"
  required_providers {
    yandex = {
      source  = "yandex-cloud/yandex"
      version = ">= 0.220.0" # the first with workload_identity_federation of a cluster
    }
  }
}

# The token, the folder and the endpoint come from YC_TOKEN, YC_FOLDER_ID and YC_ENDPOINT.
provider "yandex" {
  folder_id = var.folder_id
  zone      = var.zone
}
