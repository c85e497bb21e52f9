// Package cluster starts a real Kubernetes control plane on loopback for the integration tests: etcd, kube-apiserver
// with certificates and RBAC, kube-controller-manager, kube-scheduler, and kwok in place of nodes.
//
// It never runs a container, never leaves a process behind, and is no part of the program.
package cluster
