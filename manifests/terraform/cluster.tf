resource "yandex_iam_service_account" "cluster" {
  name   = "${var.name}-cluster-sa"
  labels = var.labels
}

resource "yandex_iam_service_account" "node" {
  name   = "${var.name}-node-sa"
  labels = var.labels
}

resource "yandex_resourcemanager_folder_iam_member" "cluster" {
  for_each  = toset(["k8s.clusters.agent", "vpc.publicAdmin"])
  folder_id = var.folder_id
  role      = each.value
  member    = "serviceAccount:${yandex_iam_service_account.cluster.id}"
}

resource "yandex_resourcemanager_folder_iam_member" "node" {
  folder_id = var.folder_id
  role      = "container-registry.images.puller"
  member    = "serviceAccount:${yandex_iam_service_account.node.id}"
}

resource "yandex_kubernetes_cluster" "this" {
  name                    = "${var.name}-cluster"
  labels                  = var.labels
  network_id              = yandex_vpc_network.this.id
  service_account_id      = yandex_iam_service_account.cluster.id
  node_service_account_id = yandex_iam_service_account.node.id
  release_channel         = "RAPID"

  master {
    version   = var.k8s_version
    public_ip = true

    zonal {
      zone      = yandex_vpc_subnet.this.zone
      subnet_id = yandex_vpc_subnet.this.id
    }
  }

  workload_identity_federation {
    enabled = true
  }

  # The cluster uses the roles to its last day: they are deleted after it.
  depends_on = [
    yandex_resourcemanager_folder_iam_member.cluster,
    yandex_resourcemanager_folder_iam_member.node,
  ]
}

resource "yandex_kubernetes_node_group" "this" {
  cluster_id = yandex_kubernetes_cluster.this.id
  name       = "${var.name}-nodes"
  labels     = var.labels
  version    = var.k8s_version

  instance_template {
    platform_id = "standard-v3"

    network_interface {
      nat        = false
      subnet_ids = [yandex_vpc_subnet.this.id]
    }

    resources {
      cores  = 2
      memory = 4
    }

    boot_disk {
      type = "network-ssd"
      size = 64
    }

    container_runtime {
      type = "containerd"
    }
  }

  scale_policy {
    fixed_scale {
      size = 1
    }
  }

  allocation_policy {
    location {
      zone = var.zone
    }
  }

  workload_identity_federation {
    enabled = true
  }
}
