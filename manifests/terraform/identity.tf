resource "yandex_iam_workload_identity_oidc_federation" "this" {
  name      = "${var.name}-federation"
  folder_id = var.folder_id
  labels    = var.labels
  issuer    = yandex_kubernetes_cluster.this.workload_identity_federation[0].issuer
  jwks_url  = yandex_kubernetes_cluster.this.workload_identity_federation[0].jwks_uri
  # The audience of the tutorial's token is the issuer itself.
  audiences = [yandex_kubernetes_cluster.this.workload_identity_federation[0].issuer]
  disabled  = false
}

resource "yandex_iam_service_account" "this" {
  name   = "${var.name}-sa"
  labels = var.labels
}

resource "yandex_iam_workload_identity_federated_credential" "this" {
  service_account_id  = yandex_iam_service_account.this.id
  federation_id       = yandex_iam_workload_identity_oidc_federation.this.id
  external_subject_id = "system:serviceaccount:${var.namespace}:${var.kubernetes_service_account}"
}

resource "yandex_lockbox_secret" "this" {
  name   = "${var.name}-secret"
  labels = var.labels
}

resource "yandex_lockbox_secret_version" "this" {
  secret_id = yandex_lockbox_secret.this.id

  entries {
    key        = "key"
    text_value = var.secret_value
  }
}

resource "yandex_resourcemanager_folder_iam_member" "reader" {
  folder_id = var.folder_id
  role      = "lockbox.payloadViewer"
  member    = "serviceAccount:${yandex_iam_service_account.this.id}"
}
