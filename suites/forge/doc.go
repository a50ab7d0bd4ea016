// Package forge has what checks of the token exchange need beside the cluster: an
// issuer of ours whose keys are published in object storage, a federation that
// trusts it, and a service account that one of its subjects may act as. With it a
// check can present any token, without waiting for one to expire.
package forge
