// Package objectstore puts files into the cloud's object storage and takes them
// out again, through its S3 API, so that anybody can fetch them by URL.
//
// It calls with the IAM token of the cloud client and needs no static access key:
// https://yandex.cloud/en/docs/storage/api-ref/authentication recommends that.
// Buckets themselves are made by the storage API, through package cloud.
package objectstore
