<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\privacy;

use core_privacy\local\request\transform;
use core_privacy\local\request\writer;
use local_copbridge\local\lacking;
use local_copbridge\local\outbox_words;
use local_copbridge\local\standings;
use local_copbridge\local\words;

/**
 * Writes what is known of somebody, so that they can read it.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class export {
    /**
     * Writes what is there in one context.
     *
     * @param \context $context
     * @param int $userid
     */
    public static function context(\context $context, int $userid): void {
        switch ($context->contextlevel) {
            case CONTEXT_COURSE:
                self::standing($context, $userid);
                self::events($context, ['courseid' => $context->instanceid, 'userid' => $userid]);
                break;
            case CONTEXT_MODULE:
                self::presence($context, $userid);
                self::hours($context, $userid);
                break;
            case CONTEXT_USER:
                if ((int) $context->instanceid === $userid) {
                    self::events($context, ['courseid' => 0, 'userid' => $userid]);
                }
        }
    }

    /**
     * How somebody stands in a community.
     *
     * @param \context $context
     * @param int $userid
     */
    private static function standing(\context $context, int $userid): void {
        $courseid = (int) $context->instanceid;
        $standing = standings::of($courseid, $userid);
        if ($standing === null) {
            return;
        }
        $words = words::of_course(standings::course($courseid));
        $list = static fn(string $key): array => (array) ($standing->$key ?? []);
        self::write($context, 'standing', (object) [
            'asof' => transform::datetime($standing->asof),
            'status' => $words->status((string) ($standing->status ?? '')),
            'hours' => words::hours((int) ($standing->minutes ?? 0)),
            'components' => array_map(static fn(\stdClass $one): string => $words->component($one->code) . ': '
                . words::hours($one->minutes), $list('components')),
            'missing' => array_column((new lacking($words))->lines($list('missing')), 'text'),
            'activities' => array_map(static fn(\stdClass $one): array => ['module' => $one->module]
                + self::line($one, $words), $list('activities')),
            'sessions' => array_map(static fn(\stdClass $one): array => self::line($one, $words), $list('sessions')),
            'other' => array_map(static fn(\stdClass $one): array => self::line($one, $words), $list('other')),
        ]);
    }

    /**
     * What something earned.
     *
     * @param \stdClass $one
     * @param words $words
     * @return array
     */
    private static function line(\stdClass $one, words $words): array {
        $title = (string) ($one->title ?? '');
        return array_filter([
            'title' => isset($one->what) ? $words->other($one->what, $title) : $title,
            'hours' => words::hours((int) $one->minutes),
            'reason' => isset($one->reason) ? $words->reason($one->reason) : null,
            'at' => isset($one->at) ? transform::datetime($one->at) : null,
        ], static fn(?string $value): bool => $value !== null && $value !== '');
    }

    /**
     * What waits to be handed over.
     *
     * @param \context $context
     * @param array $which
     */
    private static function events(\context $context, array $which): void {
        global $DB;
        $events = [];
        $rows = $DB->get_recordset('local_copbridge_outbox', $which, 'id');
        foreach ($rows as $row) {
            $events[] = [
                'event' => outbox_words::event($row->eventname),
                'time' => transform::datetime($row->timecreated),
                'data' => json_decode($row->data, true),
            ];
        }
        $rows->close();
        if ($events) {
            self::write($context, 'outbox', (object) ['events' => $events]);
        }
    }

    /**
     * A completion that the service wrote.
     *
     * @param \context $context
     * @param int $userid
     */
    private static function presence(\context $context, int $userid): void {
        global $DB;
        $row = $DB->get_record('local_copbridge_presence', ['cmid' => $context->instanceid, 'userid' => $userid]);
        if ($row) {
            self::write($context, 'presence', (object) [
                'present' => transform::yesno($row->state > 0),
                'time' => transform::datetime($row->timewritten),
            ]);
        }
    }

    /**
     * Hours that somebody declared.
     *
     * @param \context $context
     * @param int $userid
     */
    private static function hours(\context $context, int $userid): void {
        global $DB;
        $row = $DB->get_record('local_copbridge_hours', ['cmid' => $context->instanceid, 'usermodified' => $userid]);
        if ($row) {
            self::write($context, 'hours', (object) [
                'hours' => words::hours((int) $row->minutes),
                'component' => $row->component,
                'time' => transform::datetime($row->timemodified),
            ]);
        }
    }

    /**
     * Writes one thing.
     *
     * @param \context $context
     * @param string $what
     * @param \stdClass $data
     */
    private static function write(\context $context, string $what, \stdClass $data): void {
        $path = [get_string('pluginname', 'local_copbridge'), get_string("privacy:path:$what", 'local_copbridge')];
        writer::with_context($context)->export_data($path, $data);
    }
}
