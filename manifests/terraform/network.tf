# Nodes must have internet access: through a NAT gateway, without addresses of their own.
resource "yandex_vpc_network" "this" {
  name   = "${var.name}-net"
  labels = var.labels
}

resource "yandex_vpc_gateway" "this" {
  name   = "${var.name}-nat"
  labels = var.labels
  shared_egress_gateway {}
}

resource "yandex_vpc_route_table" "this" {
  name       = "${var.name}-routes"
  labels     = var.labels
  network_id = yandex_vpc_network.this.id

  static_route {
    destination_prefix = "0.0.0.0/0"
    gateway_id         = yandex_vpc_gateway.this.id
  }
}

resource "yandex_vpc_subnet" "this" {
  name           = "${var.name}-subnet"
  labels         = var.labels
  network_id     = yandex_vpc_network.this.id
  zone           = var.zone
  v4_cidr_blocks = [var.subnet_cidr]
  route_table_id = yandex_vpc_route_table.this.id
}
