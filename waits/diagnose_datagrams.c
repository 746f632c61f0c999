/* Datagrams that are not read. See scene.h. */
#include "waits/scene.h"

void diagnose_datagrams(Scene *scene, Diagnosis *diagnosis, const Socket *then)
{
        if (!scene_datagrams_lay(scene, then, diagnosis->socket))
                return;
        diagnosis->kind = DIAGNOSIS_UNREAD;
        diagnosis->since_ms = scene->apart_ms;
        diagnosis->amount = diagnosis->socket->receive_queue;
        scene->visit(scene->data, diagnosis);
}
