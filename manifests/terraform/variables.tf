variable "folder_id" {
  description = "The folder that everything is made in."
  type        = string
}

variable "zone" {
  description = "The availability zone of the master and of its node."
  type        = string
  default     = "ru-central1-a"
}

variable "name" {
  description = "What all names begin with: lower case letters, digits and hyphens."
  type        = string
  default     = "wlif"
}

variable "labels" {
  description = "Labels of all that can have some."
  type        = map(string)
  default     = {}
}

variable "k8s_version" {
  description = "Kubernetes version of master and node, 1.30 or higher."
  type        = string
  default     = "1.36"
}

variable "subnet_cidr" {
  description = "Address range of the nodes."
  type        = string
  default     = "10.129.0.0/24"
}

variable "namespace" {
  description = "Kubernetes namespace of the pods."
  type        = string
  default     = "default"
}

variable "kubernetes_service_account" {
  description = "Kubernetes service account of the pods."
  type        = string
  default     = "wlif"
}

variable "secret_value" {
  description = "Content of the secret, under the key \"key\". It is in the state, as it would be in any module that makes it."
  type        = string
  sensitive   = true
}
