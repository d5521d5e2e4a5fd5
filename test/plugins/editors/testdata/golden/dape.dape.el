;;; dape.el --- attach to programs in cluster jobs -*- lexical-binding: t -*-
;; Written by "rdg init"; "rdg init --remove --editor=dape" takes it away again.

(require 'project)

(defun rdg-local-root ()
  "The project's folder, or the current one."
  (interactive)
  (let ((project (project-current)))
    (directory-file-name
     (expand-file-name (if project (project-root project) default-directory)))))

(defun rdg-real-root ()
  "The same with its symbolic links resolved."
  (interactive)
  (file-truename (rdg-local-root)))

(defvar rdg-localTunnelPort 0)
(defun rdg-ask-localTunnelPort ()
  (interactive)
  (setq rdg-localTunnelPort (read-number "Local port of the SSH tunnel: " 5678)))

(defvar rdg-remoteWorkspaceFolder "")
(defun rdg-ask-remoteWorkspaceFolder ()
  (interactive)
  (setq rdg-remoteWorkspaceFolder (read-string "Remote Path of the job's output (. is the folder it was started in): " nil nil ".")))

(defvar rdg-rdgToken "")
(defun rdg-ask-rdgToken ()
  (interactive)
  (setq rdg-rdgToken (read-passwd "Token of the job's output (empty where it shows none): ")))

(defvar rdg-computeNodeHost "")
(defun rdg-ask-computeNodeHost ()
  (interactive)
  (setq rdg-computeNodeHost (read-string "Node of the job's output: " nil nil "")))

(defvar rdg-computeNodePort 0)
(defun rdg-ask-computeNodePort ()
  (interactive)
  (setq rdg-computeNodePort (read-number "Port of the job's output: " 5678)))

(with-eval-after-load 'dape
  (add-to-list 'dape-configs
    '(rdg-node modes (python-mode python-ts-mode)
      host rdg-ask-computeNodeHost
      port rdg-ask-computeNodePort
      :request "attach"
      :type "python"
      :connect (:host rdg-computeNodeHost :port rdg-computeNodePort)
      :pathMappings [(:localRoot rdg-local-root :remoteRoot rdg-real-root)]
      :rdgToken rdg-ask-rdgToken))
  (add-to-list 'dape-configs
    '(rdg-tunnel modes (python-mode python-ts-mode)
      host "127.0.0.1"
      port rdg-ask-localTunnelPort
      :request "attach"
      :type "python"
      :connect (:host "127.0.0.1" :port rdg-localTunnelPort)
      :pathMappings [(:localRoot rdg-local-root :remoteRoot rdg-ask-remoteWorkspaceFolder)]
      :rdgToken rdg-ask-rdgToken))
  (add-to-list 'dape-configs
    '(rdg-attach modes (python-mode python-ts-mode)
      host "127.0.0.1"
      port 5678
      :request "attach"
      :type "python"
      :connect (:host "127.0.0.1" :port 5678)
      :pathMappings [(:localRoot rdg-local-root :remoteRoot ".")])))

;;; dape.el ends here
