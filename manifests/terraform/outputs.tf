output "cluster_id" {
  value = yandex_kubernetes_cluster.this.id
}

output "issuer" {
  value = yandex_iam_workload_identity_oidc_federation.this.issuer
}

output "federation_id" {
  value = yandex_iam_workload_identity_oidc_federation.this.id
}

output "service_account_id" {
  description = "The <IAM_service_account_ID> of the tutorial's pod."
  value       = yandex_iam_service_account.this.id
}

output "secret_id" {
  description = "The <Lockbox_secret_ID> of the tutorial's pod."
  value       = yandex_lockbox_secret.this.id
}
